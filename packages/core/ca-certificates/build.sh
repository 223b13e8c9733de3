build() {
    perl certdata.pl < mozilla/certdata.txt > ca-certificates.crt
}

check() {
    # Every certificate can be read, signs for itself, and there are as many as the list trusts.
    trusted=$(grep -c '^CKA_TRUST_SERVER_AUTH CK_TRUST CKT_NSS_TRUSTED_DELEGATOR' mozilla/certdata.txt)
    test "$trusted" -gt 100
    openssl storeutl -noout -certs ca-certificates.crt | grep "^Total found: $trusted$"
    openssl crl2pkcs7 -nocrl -certfile ca-certificates.crt | openssl pkcs7 -print_certs -noout > names
    test "$(grep -c '^subject=' names)" = "$trusted"
}

do_install() {
    install -D -m 644 ca-certificates.crt "$DESTDIR/etc/ssl/certs/ca-certificates.crt"
    ln -s certs/ca-certificates.crt "$DESTDIR/etc/ssl/cert.pem"
}
