build() {
    sh Build.sh -r
}

check() {
    # Cases that want a terminal are left out, as upstream does for builders.
    ./test.sh -C regress:no-ctty
}

do_install() {
    install -D -m 755 mksh "$DESTDIR/usr/bin/mksh"
    install -D -m 644 mksh.1 "$DESTDIR/usr/share/man/man1/mksh.1"
}
