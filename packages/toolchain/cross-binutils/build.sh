configure() {
    mkdir obj
    cd obj
    ../configure --prefix=/usr --target=x86_64-linux-musl --with-sysroot=/ \
        --disable-gold --disable-gprof --disable-gprofng --disable-multilib --disable-nls \
        --disable-plugins --disable-shared --disable-werror --enable-default-hash-style=gnu \
        --enable-deterministic-archives --enable-new-dtags --enable-relro --without-zstd
}

build() {
    make -C obj MAKEINFO=true configure-host
    # Static, so that it also runs where there is nothing of the seed any more; libtool drops `-static` alone.
    make -C obj MAKEINFO=true LDFLAGS=-all-static
}

do_install() {
    make -C obj MAKEINFO=true LDFLAGS=-all-static DESTDIR="$DESTDIR" install
    rm -rf "$DESTDIR/usr/share" "$DESTDIR/usr/lib" "$DESTDIR/usr/include" "$DESTDIR/usr/etc"
}
