# Terminals that are met on consoles, serial lines and in terminal programs; all 2900 would be 7 MiB.
terminals="ansi dumb linux vt100 vt102 vt220 xterm xterm-color xterm-256color screen screen-256color tmux tmux-256color rxvt rxvt-256color rxvt-unicode rxvt-unicode-256color foot alacritty st st-256color sun"

configure() {
    ./configure --prefix=/usr --mandir=/usr/share/man --with-shared --without-debug --without-normal --without-ada \
        --without-cxx --without-cxx-binding --without-tests --enable-widec --enable-pc-files \
        --with-pkg-config-libdir=/usr/lib/pkgconfig --disable-stripping --disable-db-install \
        --with-versioned-syms=no
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # A shell script that says what the .pc files say.
    rm "$DESTDIR/usr/bin/"*-config "$DESTDIR/usr/share/man/man1/"*-config.1
    mkdir -p "$DESTDIR/usr/share/terminfo"
    for name in $terminals; do
        known="$known${known:+,}$name"
    done
    LD_LIBRARY_PATH=$PWD/lib progs/tic -x -s -e "$known" -o "$DESTDIR/usr/share/terminfo" misc/terminfo.src
    # Programs ask for the library without the w, too; it is the same one.
    for library in ncurses form panel menu; do
        ln -s "lib${library}w.so" "$DESTDIR/usr/lib/lib$library.so"
        ln -s "${library}w.pc" "$DESTDIR/usr/lib/pkgconfig/$library.pc"
    done
    ln -s libncursesw.so "$DESTDIR/usr/lib/libcurses.so"
    for library in libtinfo libtinfow; do
        ln -s libncursesw.so "$DESTDIR/usr/lib/$library.so"
    done
}
