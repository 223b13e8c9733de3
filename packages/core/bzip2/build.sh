# Upstream has two makefiles, one for the shared library and one for the rest, and both set their own flags.

large_files=-D_FILE_OFFSET_BITS=64

build() {
    make -f Makefile-libbz2_so CC="$CC $LDFLAGS" CFLAGS="$CFLAGS -fPIC $large_files"
    # The same objects without -fPIC, for the static library.
    rm -f ./*.o
    make libbz2.a bzip2recover CC="$CC" CFLAGS="$CFLAGS $large_files" LDFLAGS="$LDFLAGS"
    ln -sf libbz2.so.1.0 libbz2.so
    # The command is linked with the shared library.
    $CC $CFLAGS $large_files $LDFLAGS -o bzip2 bzip2.c -L. -lbz2
}

check() {
    LD_LIBRARY_PATH=$PWD
    export LD_LIBRARY_PATH
    for level in 1 2 3; do
        ./bzip2 -"$level" < "sample$level.ref" | cmp "sample$level.bz2" -
    done
    ./bzip2 -d < sample1.bz2 | cmp sample1.ref -
    ./bzip2 -d < sample2.bz2 | cmp sample2.ref -
    ./bzip2 -ds < sample3.bz2 | cmp sample3.ref -
}

do_install() {
    # The shell scripts around it (bzgrep, bzdiff, bzmore) stay out: they would make the library's package need
    # a shell, grep, diff and a pager.
    install -D -m 755 bzip2 "$DESTDIR/usr/bin/bzip2"
    install -m 755 bzip2recover "$DESTDIR/usr/bin/"
    ln -s bzip2 "$DESTDIR/usr/bin/bunzip2"
    ln -s bzip2 "$DESTDIR/usr/bin/bzcat"
    install -D -m 644 bzlib.h "$DESTDIR/usr/include/bzlib.h"
    install -D -m 755 "libbz2.so.$PKG_VERSION" "$DESTDIR/usr/lib/libbz2.so.$PKG_VERSION"
    install -m 644 libbz2.a "$DESTDIR/usr/lib/"
    ln -s "libbz2.so.$PKG_VERSION" "$DESTDIR/usr/lib/libbz2.so.1.0"
    ln -s libbz2.so.1.0 "$DESTDIR/usr/lib/libbz2.so"
    install -D -m 644 bzip2.1 "$DESTDIR/usr/share/man/man1/bzip2.1"
}
