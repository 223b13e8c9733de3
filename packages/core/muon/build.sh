configure() {
    ./bootstrap.sh bootstrap
    bootstrap/muon-bootstrap setup -Dprefix=/usr -Dlibdir=lib -Dbuildtype=release -Dlibarchive=disabled -Dlibcurl=disabled \
        -Dlibpkgconf=enabled -Ddocs=disabled -Dtracy=disabled -Dsamurai=enabled -Dui=disabled igos-build
}

build() {
    bootstrap/muon-bootstrap -C igos-build samu
}

check() {
    mkdir sample
    printf "project('sample', 'c')\ntest('runs', executable('sample', 'sample.c'))\n" > sample/meson.build
    printf 'int main(void) { return 0; }\n' > sample/sample.c
    cd sample
    ../igos-build/muon setup build
    ../igos-build/muon -C build samu
    ../igos-build/muon -C build test
}

do_install() {
    DESTDIR="$DESTDIR" igos-build/muon -C igos-build install
    printf '#!/bin/sh\nexec muon samu "$@"\n' > "$DESTDIR/usr/bin/samu"
    chmod 755 "$DESTDIR/usr/bin/samu"
    ln -s samu "$DESTDIR/usr/bin/ninja"
}
