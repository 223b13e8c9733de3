# The compiler of kernels needs no C library; programs that run while building are made with that of the profile, whose
# linker may look for the libraries of libraries elsewhere.
options="ARCH=x86_64 CC=gcc HOSTCC=$CC HOSTLDFLAGS=-Wl,-rpath-link,/usr/lib"
# What `uname -r` says after the version, and modules and image are named by: another release of this recipe lies beside
# this kernel and not in its place, and so does what a recipe of another name makes with this script, as `linux-rescue`.
local_version=${PKG_NAME#linux}-igos$PKG_RELEASE
kernel=$PKG_VERSION$local_version
# A profile says which parts of the configuration it wants.
fragments=
for name in ${KERNEL_FRAGMENTS:-base filesystems sandbox virtio}; do
    fragments="$fragments $name.config"
done

configure() {
    cat $fragments > requested.config
    echo "CONFIG_LOCALVERSION=\"$local_version\"" >> requested.config
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
    # The kernel looks for its modules by its own name.
    local named
    named=$(make -s $options kernelrelease)
    if [ "$named" != "$kernel" ]; then
        echo "the kernel calls itself $named, not $kernel"
        return 1
    fi
    install -D -m 644 arch/x86/boot/bzImage "$DESTDIR/boot/vmlinuz-$kernel"
    install -m 644 System.map "$DESTDIR/boot/System.map-$kernel"
    install -m 644 .config "$DESTDIR/boot/config-$kernel"
    make $options INSTALL_MOD_PATH="$DESTDIR/usr" DEPMOD=true modules_install
    rm -f "$DESTDIR/usr/lib/modules/$kernel/build" "$DESTDIR/usr/lib/modules/$kernel/source"
    depmod -b "$DESTDIR/usr" -F System.map "$kernel"
}
