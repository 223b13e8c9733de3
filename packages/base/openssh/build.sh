configure() {
    ./configure --prefix=/usr --sysconfdir=/etc/ssh --libexecdir=/usr/libexec/ssh --with-privsep-path=/var/empty --with-privsep-user=sshd \
        --with-pid-dir=/run --disable-lastlog --disable-utmp --disable-utmpx --disable-wtmp --disable-wtmpx --disable-strip \
        --with-default-path=/usr/bin:/usr/sbin --without-pam --without-libedit --with-mantype=man
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" STRIP_OPT= install-nokeys
    install -D -m 755 sshd.initd "$DESTDIR/etc/init.d/sshd"
    mkdir -p "$DESTDIR/var/empty"
    chmod 755 "$DESTDIR/usr/libexec/ssh/ssh-keysign"
}
