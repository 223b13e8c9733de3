do_install() {
    install -D -m 0644 letters.txt "$DESTDIR/usr/share/tinyworld/letters.txt"
}
