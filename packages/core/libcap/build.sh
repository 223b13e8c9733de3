# Go and PAM are other packages' matter.
options="lib=lib prefix=/usr SBINDIR=/usr/bin GOLANG=no PAM_CAP=no"

build() {
    make $options CC="$CC" BUILD_CC="$CC" COPTS="$CFLAGS" LDFLAGS="$LDFLAGS" BUILD_COPTS="$CFLAGS" DYNAMIC=yes
}

check() {
    make $options CC="$CC" BUILD_CC="$CC" COPTS="$CFLAGS" LDFLAGS="$LDFLAGS" DYNAMIC=yes -C libcap test
}

do_install() {
    make $options CC="$CC" BUILD_CC="$CC" COPTS="$CFLAGS" DYNAMIC=yes DESTDIR="$DESTDIR" RAISE_SETFCAP=no install
    rm -f "$DESTDIR/usr/lib/"*.a
}
