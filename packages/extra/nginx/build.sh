configure() {
    ./configure --prefix=/usr/share/nginx --sbin-path=/usr/sbin/nginx --conf-path=/etc/nginx/nginx.conf --pid-path=/run/nginx.pid \
        --lock-path=/run/nginx.lock --error-log-path=/var/log/nginx/error.log --http-log-path=/var/log/nginx/access.log \
        --http-client-body-temp-path=/var/lib/nginx/body --http-proxy-temp-path=/var/lib/nginx/proxy \
        --without-http_fastcgi_module --without-http_uwsgi_module --without-http_scgi_module \
        --user=nginx --group=nginx --with-threads --with-file-aio --with-pcre-jit --with-http_ssl_module --with-http_v2_module \
        --with-http_gzip_static_module --with-http_stub_status_module --with-cc="$CC" --with-cc-opt="$CFLAGS" --with-ld-opt="$LDFLAGS"
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    install -D -m 755 nginx.initd "$DESTDIR/etc/init.d/nginx"
    rm -rf "$DESTDIR/run" "$DESTDIR/etc/nginx/"*.default
    mkdir -p "$DESTDIR/var/lib/nginx"
}
