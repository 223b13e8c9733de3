build() {
    make pigz CC="$CC" CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS"
}

check() {
    # Upstream's `make test` compares with ncompress, which is not there; these are its other cases.
    for flags in "" "-b 32" "-p 1" "-p 1 -z" -11 -z -K; do
        ./pigz -kf $flags pigz.c
        ./pigz -t pigz.c.*z*
        ./pigz -dc pigz.c.*z* | cmp - pigz.c
        rm pigz.c.*z*
    done
    ./pigz -c pigz.c | gzip -dc | cmp - pigz.c
    echo words | gzip | ./pigz -cdf | grep -qx words
}

do_install() {
    install -D -m 755 pigz "$DESTDIR/usr/bin/pigz"
    ln -s pigz "$DESTDIR/usr/bin/unpigz"
    install -D -m 644 pigz.1 "$DESTDIR/usr/share/man/man1/pigz.1"
}
