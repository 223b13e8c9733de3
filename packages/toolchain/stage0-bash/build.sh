configure() {
    CC_FOR_BUILD=gcc ./configure --build=x86_64-linux-gnu --host=x86_64-linux-musl --prefix=/usr \
        --disable-nls --disable-readline --enable-static-link --without-bash-malloc --without-curses
}

build() {
    make
}

do_install() {
    install -D -m 755 bash "$DESTDIR/usr/bin/bash"
}
