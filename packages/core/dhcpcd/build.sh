configure() {
    ./configure --prefix=/usr --sysconfdir=/etc --libexecdir=/usr/libexec/dhcpcd --sbindir=/usr/sbin --dbdir=/var/lib/dhcpcd \
        --runstatedir=/run --privsepuser=dhcpcd --without-udev --disable-debug
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    chmod 755 "$DESTDIR/usr/sbin/dhcpcd"
    install -D -m 755 dhcpcd.initd "$DESTDIR/etc/init.d/dhcpcd"
    rm -rf "$DESTDIR/run" "$DESTDIR/var/run"
}
