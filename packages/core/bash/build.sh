configure() {
    # With the library for terminals and for editing lines that it brings: the first shell needs nothing but a C library.
    ./configure --prefix=/usr --build=x86_64-linux-musl --host=x86_64-linux-musl \
        --disable-nls --without-bash-malloc --without-curses --without-installed-readline \
        bash_cv_getcwd_malloc=yes
}

build() {
    make
}

# What the shell promises, said with itself; upstream's suite compares with the messages of another C library.
check() {
    ./bash -c 'a=(x y "z w"); [[ ${#a[@]} = 3 && ${a[2]} = z* && ${a[1]^} = Y ]]'
    ./bash -c 'f() { local n=$1; ((n < 2)) && echo 1 || echo $((n * $(f $((n - 1))))); }; [ "$(f 6)" = 720 ]'
    ./bash -c 'cat < <(printf "%s\n" {3..1}) | sort | tr "\n" " "' | grep -qx '1 2 3 '
    ./bash -c 'trap "echo left" EXIT; exit 3' | grep -qx left
    [ "$(./bash -c 'printf "%q" "a b"')" = 'a\ b' ]
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # Headers and examples for commands that are loaded, and a script that sends mail.
    rm -rf "$DESTDIR/usr/bin/bashbug" "$DESTDIR/usr/include" "$DESTDIR/usr/lib" \
        "$DESTDIR/usr/share/info" "$DESTDIR/usr/share/man/man1/bashbug.1" "$DESTDIR/usr/share/doc"
}
