configure() {
    # Berkeley DB and shell scripts are left out, whatever is found.
    sed -i 's/^SUBDIRS=.*/SUBDIRS=lib ip tc bridge misc genl rdma vdpa/' Makefile
    sed -i 's/^TARGETS=.*/TARGETS=ss nstat lnstat/; /^ifeq.*HAVE_BERKELEY_DB/,/^endif/d' misc/Makefile
    ./configure
}

build() {
    make CC="$CC" HOSTCC="$CC" CCOPTS="$CFLAGS -D_GNU_SOURCE" SHARED_LIBS=n
}

do_install() {
    make CC="$CC" HOSTCC="$CC" SHARED_LIBS=n SBINDIR=/usr/sbin PREFIX=/usr DESTDIR="$DESTDIR" install
    rm -f "$DESTDIR/usr/sbin/routel" "$DESTDIR/usr/sbin/ifcfg" "$DESTDIR/usr/sbin/rtpr" "$DESTDIR/usr/sbin/routef"
}
