do_install() {
    mkdir -p "$DESTDIR/usr/share/tinyworld"
    echo alone > "$DESTDIR/usr/share/tinyworld/lone.txt"
    ln "$DESTDIR/usr/share/tinyworld/lone.txt" "$DESTDIR/usr/share/tinyworld/lonely.txt"
    ln -s lone.txt "$DESTDIR/usr/share/tinyworld/link.txt"
}
