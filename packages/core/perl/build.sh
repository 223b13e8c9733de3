configure() {
    # What Configure would ask the machine for is said, so that every machine answers the same.
    ./Configure -des \
        -Dcc="$CC" -Doptimize="$CFLAGS" -Dldflags="$LDFLAGS" -Dlddlflags="-shared $LDFLAGS" -Dccdlflags=-rdynamic \
        -Dprefix=/usr -Dvendorprefix=/usr -Dsiteprefix=/usr -Dcccdlflags=-fPIC \
        -Dprivlib=/usr/share/perl5/core_perl -Darchlib=/usr/lib/perl5/core_perl \
        -Dvendorlib=/usr/share/perl5/vendor_perl -Dvendorarch=/usr/lib/perl5/vendor_perl \
        -Dsitelib=/usr/share/perl5/site_perl -Dsitearch=/usr/lib/perl5/site_perl \
        -Dman1dir=none -Dman3dir=none -Dinstallusrbinperl=n \
        -Duseshrplib -Dusethreads -Dd_semctl_semun -Dusrinc=/usr/include \
        -Dlibpth=/usr/lib -Dplibpth= -Dxlibpth= -Dlibswanted=m -Dlibs=-lm -Dperllibs=-lm -Dlibc=/usr/lib/libc.so -Dusenm=n \
        -Dlocincpth= -Dloclibpth= -Uversiononly \
        -Ui_ndbm -Ui_gdbm -Ui_db -Dnoextensions="ODBM_File NDBM_File GDBM_File DB_File" \
        -Dmyhostname=localhost -Dmydomain=.localdomain -Dcf_by=igos -Dcf_email=root@localhost -Dperladmin=root@localhost \
        -Dosname=linux -Dosvers=0 -Dcf_time="$(date -u -d "@$SOURCE_DATE_EPOCH")"
}

build() {
    # The version of the kernel that builds would be seen by `perl -V`.
    BUILD_ZLIB=1 BUILD_BZIP2=1 make
}

check() {
    make test_prep
    cd t
    LD_LIBRARY_PATH=.. ./perl TEST base/*.t cmd/*.t comp/*.t
}

do_install() {
    make DESTDIR="$DESTDIR" install.perl
    find "$DESTDIR" -name .packlist -delete
    # 12 MiB of manuals in Perl's own format.
    find "$DESTDIR/usr/share/perl5" -name "*.pod" -path "*/pod/*" ! -name perldiag.pod -delete
    find "$DESTDIR" -type f -name "*.so*" -exec chmod u+w {} +
}
