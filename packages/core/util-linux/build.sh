configure() {
    ./configure --prefix=/usr --bindir=/usr/bin --sbindir=/usr/sbin --libdir=/usr/lib --localstatedir=/var --runstatedir=/run \
        --disable-static --disable-nls --disable-rpath --disable-makeinstall-chown --disable-makeinstall-setuid \
        --without-python --without-systemd --without-udev --without-readline --without-cap-ng --disable-asciidoc \
        --disable-chfn-chsh --disable-login --disable-nologin --disable-su --disable-setpriv --disable-runuser --disable-pylibmount \
        --disable-bash-completion CXX=no --disable-use-tty-group --disable-wall --disable-last --disable-lslogins
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
}
