# `tooldir` keeps the linker's scripts and second names out of a directory named for the machine.

configure() {
    mkdir obj
    cd obj
    ../configure --prefix=/usr --build=x86_64-linux-musl --host=x86_64-linux-musl --target=x86_64-linux-musl \
        --disable-gold --disable-gprof --disable-gprofng --disable-multilib --disable-nls --disable-plugins \
        --disable-shared --disable-werror --enable-default-hash-style=gnu --enable-deterministic-archives \
        --enable-new-dtags --enable-relro --without-zstd
}

build() {
    make -C obj tooldir=/usr MAKEINFO=true
}

do_install() {
    make -C obj tooldir=/usr MAKEINFO=true DESTDIR="$DESTDIR" install
    find "$DESTDIR" -name '*.la' -delete
    # Manuals in the format of GNU's info need a makeinfo, and what is ready in the source would be there without.
    rm -rf "$DESTDIR/usr/share/info"
}
