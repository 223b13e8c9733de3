options="MALLOC=libc PREFIX=/usr USE_SYSTEMD=no BUILD_TLS=no OPTIMIZATION=-O2 DEBUG= REDIS_CFLAGS=-Wno-unused"

build() {
    make $options CC="$CC" V=1
}

check() {
    printf 'port 0\nunixsocket sample.sock\n' > sample.conf
    src/redis-server sample.conf &
    local server=$!
    until src/redis-cli -s sample.sock ping | grep -x PONG; do
        # It answers, or it has ended and never will.
        kill -0 "$server"
        sleep 1
    done
    src/redis-cli -s sample.sock set key words
    test "$(src/redis-cli -s sample.sock get key)" = words
    src/redis-cli -s sample.sock shutdown nosave
    wait "$server"
}

do_install() {
    make $options CC="$CC" PREFIX="$DESTDIR/usr" install
    install -D -m 644 redis.conf "$DESTDIR/etc/redis.conf"
    sed -i 's,^dir .*,dir /var/lib/redis,; s,^logfile .*,logfile /var/log/redis.log,' "$DESTDIR/etc/redis.conf"
    install -D -m 755 redis.initd "$DESTDIR/etc/init.d/redis"
}
