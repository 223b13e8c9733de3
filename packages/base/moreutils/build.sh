build() {
    make BINS="isutf8 ifdata ifne pee sponge mispipe lckdo parallel errno" MANS= PERLSCRIPTS="vidir vipe ts combine zrun chronic" CC="$CC" \
        CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS"
}

check() {
    printf 'b\na\n' > sample
    sort sample | ./sponge sample
    test "$(cat sample)" = "$(printf 'a\nb')"
    test "$(./parallel -j 2 echo -- one two | sort | tr '\n' ' ')" = "one two "
    ./isutf8 sample
    printf '\377' > sample
    # `set -e` does not look at what is negated.
    if ./isutf8 sample; then
        return 1
    fi
    ./errno ENOENT | grep '^ENOENT 2 '
}

do_install() {
    mkdir -p "$DESTDIR/usr/bin"
    install -m 755 isutf8 ifdata ifne pee sponge mispipe lckdo parallel errno vidir vipe ts combine zrun chronic "$DESTDIR/usr/bin/"
}
