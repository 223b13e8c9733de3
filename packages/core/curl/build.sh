configure() {
    ./configure --prefix=/usr --disable-static --with-openssl --with-zlib --with-zstd --without-brotli --without-libpsl \
        --without-libidn2 --without-nghttp2 --without-libssh2 --disable-ldap --disable-ldaps --disable-docs \
        --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --without-ca-path --without-zsh-functions-dir
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # A shell script that says what libcurl.pc says, and one around the command.
    rm -f "$DESTDIR/usr/bin/curl-config" "$DESTDIR/usr/bin/wcurl"
}
