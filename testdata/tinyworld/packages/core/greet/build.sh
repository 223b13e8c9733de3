# Without a `#!` line, so that the tool needs no more than the shell that calls it.
do_install() {
    mkdir -p "$DESTDIR/usr/bin"
    printf 'echo "hello, $1"\n' > "$DESTDIR/usr/bin/greet"
    chmod 0755 "$DESTDIR/usr/bin/greet"
}
