do_install() {
    mkdir -p "$DESTDIR/usr/bin"
    for name in addr2line ar as c++ c++filt cpp elfedit g++ gcc ld nm objcopy objdump ranlib readelf size strings strip; do
        ln -s "x86_64-linux-musl-$name" "$DESTDIR/usr/bin/$name"
    done
    ln -s x86_64-linux-musl-gcc "$DESTDIR/usr/bin/cc"
}
