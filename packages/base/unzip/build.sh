build() {
    make -f unix/Makefile CC="$CC" LD="$CC" \
        CF="$CFLAGS -std=gnu89 -I. -DUNIX -DNO_LCHMOD -DHAVE_DIRENT_H -DHAVE_UNISTD_H -DUNICODE_SUPPORT -DUNICODE_WCHAR -DUTF8_MAYBE_NATIVE -DLARGE_FILE_SUPPORT" \
        LF2="$LDFLAGS" unzips
}

check() {
    make -f unix/Makefile check
}

do_install() {
    make -f unix/Makefile prefix="$DESTDIR/usr" MANDIR="$DESTDIR/usr/share/man/man1" install
    # Shell scripts and commands around them that unzip has options for.
    rm "$DESTDIR/usr/bin/zipgrep" "$DESTDIR/usr/share/man/man1/zipgrep.1"
}
