do_install() {
    install -D -m 0644 poem.txt "$DESTDIR/usr/share/tinyworld/poem.txt"
}
