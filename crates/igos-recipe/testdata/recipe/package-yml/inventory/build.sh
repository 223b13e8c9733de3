#!/bin/bash
configure() { ./configure --prefix=/usr; }
build() {
    make
}
do_install() {
    make DESTDIR="$DESTDIR" install
}
post_install() {
    :
}
