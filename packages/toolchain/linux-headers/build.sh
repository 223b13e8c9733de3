build() {
    local top="linux-$PKG_VERSION"
    tar -xJf "linux_$PKG_VERSION.orig.tar.xz" "$top/Makefile" "$top/Kbuild" "$top/arch/x86" "$top/include" \
        "$top/scripts" "$top/tools/include"
    # Two small programs of the kernel prepare the headers; they are compiled for this machine.
    make -C "$top" ARCH=x86 HOSTCC="$CC" headers
}

do_install() {
    (
        cd "linux-$PKG_VERSION/usr/include"
        find . -name '*.h' | while read -r header; do
            install -D -m 644 "$header" "$DESTDIR/usr/include/$header"
        done
    )
}
