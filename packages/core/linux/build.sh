# The compiler of kernels needs no C library; programs that run while building are made with that of the profile, whose
# linker may look for the libraries of libraries elsewhere.
options="ARCH=x86_64 CC=gcc HOSTCC=$CC HOSTLDFLAGS=-Wl,-rpath-link,/usr/lib"
# A profile says which parts of the configuration it wants.
fragments=
for name in ${KERNEL_FRAGMENTS:-base filesystems sandbox virtio}; do
    fragments="$fragments $name.config"
done

configure() {
    cat $fragments > requested.config
    make $options KCONFIG_ALLCONFIG=requested.config allnoconfig

    # An option whose needs are not met is dropped without a word: every line asked for has to be there afterwards.
    local lost=0
    while read -r line; do
        case $line in
            "# CONFIG_"*" is not set")
                name=${line#"# "}
                if grep "^${name%" is not set"}=" .config; then
                    lost=1
                fi
                ;;
            CONFIG_*)
                if ! grep -qxF "$line" .config; then
                    echo "not in the configuration: $line"
                    lost=1
                fi
                ;;
        esac
    done < requested.config
    return "$lost"
}

build() {
    KBUILD_BUILD_TIMESTAMP=$(date -u -d "@$SOURCE_DATE_EPOCH")
    export KBUILD_BUILD_TIMESTAMP
    make $options bzImage modules
}

do_install() {
    install -D -m 644 arch/x86/boot/bzImage "$DESTDIR/boot/vmlinuz-$PKG_VERSION"
    install -m 644 System.map "$DESTDIR/boot/System.map-$PKG_VERSION"
    install -m 644 .config "$DESTDIR/boot/config-$PKG_VERSION"
    make $options INSTALL_MOD_PATH="$DESTDIR/usr" DEPMOD=true modules_install
    rm -f "$DESTDIR/usr/lib/modules/$PKG_VERSION/build" "$DESTDIR/usr/lib/modules/$PKG_VERSION/source"
    depmod -b "$DESTDIR/usr" -m /lib/modules -F System.map "$PKG_VERSION" || depmod -b "$DESTDIR/usr" -F System.map "$PKG_VERSION"
}
