build() {
    greet world > hello.txt
    printf '%s\n' "$CFLAGS" > flags.txt
}

check() {
    [ "$(cat hello.txt)" = "hello, world" ]
}

do_install() {
    install -D -m 0644 hello.txt "$DESTDIR/usr/share/tinyworld/hello.txt"
    install -D -m 0644 flags.txt "$DESTDIR/usr/share/tinyworld/flags.txt"
}
