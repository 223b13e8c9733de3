# The letters are not declared: the poem needs them to run, so they are here.
build() {
    cat /usr/share/tinyworld/hello.txt /usr/share/tinyworld/poem.txt /usr/share/tinyworld/letters.txt > book.txt
}

do_install() {
    install -D -m 0644 book.txt "$DESTDIR/usr/share/tinyworld/book.txt"
    install -d "$DESTDIR/usr/share/doc/book"
    echo "written with $PKG_NAME $PKG_VERSION" > "$DESTDIR/usr/share/doc/book/notes.txt"
}
