configure() {
    muon setup -Dprefix=/usr -Dlibdir=lib -Dlibexecdir=lib -Dbindir=bin -Dsbindir=sbin -Dbuildtype=release -Dos=Linux -Dpam=false \
        -Dselinux=disabled -Daudit=disabled -Dsysvinit=true -Dnewnet=false -Dpkgconfig=true -Dbranding='"igos"' \
        -Dbash-completions=false -Dzsh-completions=false -Dshell=/bin/sh igos-build
}

build() {
    muon -C igos-build samu
}

check() {
    muon -C igos-build test
}

do_install() {
    DESTDIR="$DESTDIR" muon -C igos-build install
}
