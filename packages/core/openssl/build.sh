configure() {
    ./Configure linux-x86_64 --prefix=/usr --openssldir=/etc/ssl --libdir=lib \
        shared no-tests no-docs no-legacy no-module no-engine no-afalgeng no-async no-quic no-zlib \
        "$CFLAGS" "$LDFLAGS"
}

build() {
    make build_sw
}

check() {
    LD_LIBRARY_PATH=$PWD
    OPENSSL_CONF=$PWD/apps/openssl.cnf
    export LD_LIBRARY_PATH OPENSSL_CONF
    printf abc | apps/openssl dgst -sha256 -r |
        grep '^ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    printf abc | apps/openssl dgst -sha3-256 -r |
        grep '^3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532'
    head -c 100000 apps/openssl > plain
    for cipher in aes-256-cbc aes-128-ctr chacha20 camellia-128-cbc; do
        apps/openssl enc -"$cipher" -pbkdf2 -pass pass:words -in plain -out secret
        apps/openssl enc -d -"$cipher" -pbkdf2 -pass pass:words -in secret | cmp - plain
    done
    for kind in "rsa -pkeyopt bits:2048" "ec -pkeyopt group:P-256" ed25519 ml-dsa-65; do
        apps/openssl genpkey -algorithm $kind -out key.pem
        apps/openssl req -x509 -new -key key.pem -subj /CN=localhost -days 2 -out certificate.pem
        apps/openssl verify -CAfile certificate.pem certificate.pem
    done
}

do_install() {
    make DESTDIR="$DESTDIR" install_sw install_ssldirs
    rm -r "$DESTDIR/usr/lib/"*.a "$DESTDIR/etc/ssl/misc" "$DESTDIR/etc/ssl/"*.dist "$DESTDIR/usr/bin/c_rehash"
}
