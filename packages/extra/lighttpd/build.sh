configure() {
    ./configure --prefix=/usr --libdir=/usr/lib/lighttpd --sysconfdir=/etc/lighttpd --with-openssl --with-pcre2 --with-zlib --with-zstd \
        --without-bzip2 --without-brotli --without-lua --without-maxminddb --without-dbi
}

build() {
    make
}

check() {
    # Upstream's tests in C; those in Perl want modules of CPAN.
    make -C src check
}

do_install() {
    make DESTDIR="$DESTDIR" install
    install -D -m 644 lighttpd.conf "$DESTDIR/etc/lighttpd/lighttpd.conf"
    install -D -m 755 lighttpd.initd "$DESTDIR/etc/init.d/lighttpd"
    mkdir -p "$DESTDIR/srv/www"
}
