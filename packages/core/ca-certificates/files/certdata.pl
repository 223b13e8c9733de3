# Reads Mozilla's certdata.txt; writes the certificates that may vouch for servers, in PEM, in the order of the file.
#
# The file is a list of objects, divided by empty lines; a line is `NAME TYPE VALUE`, and a value of the type
# MULTILINE_OCTAL stands on the lines up to END. A certificate and what it is trusted for are two objects with the same issuer
# and serial number.
use strict;
use warnings;
use MIME::Base64;

my (@certificates, %trusted, %object);

sub finish {
    my $class = $object{CKA_CLASS} // '';
    my $id = ($object{CKA_ISSUER} // '') . '/' . ($object{CKA_SERIAL_NUMBER} // '');
    if ($class eq 'CKO_CERTIFICATE') {
        push @certificates, { id => $id, label => $object{CKA_LABEL}, bytes => $object{CKA_VALUE} };
    } elsif ($class eq 'CKO_NSS_TRUST') {
        $trusted{$id} = $object{CKA_TRUST_SERVER_AUTH} eq 'CKT_NSS_TRUSTED_DELEGATOR';
    }
    %object = ();
}

while (my $line = <STDIN>) {
    chomp $line;
    next if $line =~ /^#/;
    if ($line =~ /^\s*$/) {
        finish();
        next;
    }
    my ($name, $type, $value) = split / /, $line, 3;
    next unless defined $type;
    if ($type eq 'MULTILINE_OCTAL') {
        $value = '';
        while (my $octal = <STDIN>) {
            last if $octal =~ /^END/;
            $value .= chr oct $1 while $octal =~ /\\([0-3][0-7][0-7])/g;
        }
    }
    $object{$name} = $value;
}
finish();

for my $certificate (grep { $trusted{ $_->{id} } } @certificates) {
    my $base64 = encode_base64($certificate->{bytes}, '');
    $base64 =~ s/(.{1,64})/$1\n/g;
    print "# $certificate->{label}\n-----BEGIN CERTIFICATE-----\n$base64-----END CERTIFICATE-----\n";
}
