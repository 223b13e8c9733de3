build() {
    make -f unix/Makefile CC="$CC" CPP="$CC -E" \
        CFLAGS_NOOPT="-I. -DUNIX $CFLAGS -std=gnu89 -DHAVE_DIRENT_H -DHAVE_TERMIOS_H" LFLAGS2="$LDFLAGS" generic
}

check() {
    # Upstream has no suite.
    ./zip -q9 sample.zip ./*.c
    ./zip -T sample.zip -TT "test -s" | grep OK
    ./zipnote sample.zip | grep -c '^@ zip.c$'
}

do_install() {
    make -f unix/Makefile BINDIR="$DESTDIR/usr/bin" MANDIR="$DESTDIR/usr/share/man/man1" INSTALL=install install
}
