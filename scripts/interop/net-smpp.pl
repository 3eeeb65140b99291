#!/usr/bin/perl
# One end of an SMPP session by Net::SMPP, for src/node/interop.e2e.test.ts: code that is not ours on the other side.
#
#   net-smpp.pl smsc PORT      listens, takes one bind after another, gives each submit_sm an id and a receipt
#   net-smpp.pl esme PORT      binds as a transceiver (esme1, secret1)
#
# HEX is - where there is no text. What it hears is written as a line of JSON; `message` is in hexadecimal. A line on stdin makes it send one:
#
#   SOURCE DESTINATION ESM_CLASS DATA_CODING HEX [TLV=HEX]       submit_sm (esme) or deliver_sm (smsc)
#
# It ends with its stdin.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Net::SMPP;

my ($role, $port) = @ARGV;
$| = 1;
my $json = JSON::PP->new->canonical->latin1;

sub tell_line { print $json->encode({@_}), "\n" }

sub fields {
    my ($pdu) = @_;
    my $payload = $pdu->{0x0424};
    return (
        source_addr      => $pdu->{source_addr},
        destination_addr => $pdu->{destination_addr},
        esm_class        => $pdu->{esm_class},
        data_coding      => $pdu->{data_coding},
        message          => unpack('H*', defined $payload ? $payload : $pdu->{short_message}),
        receipted        => defined $pdu->{0x001e} ? unpack('Z*', $pdu->{0x001e}) : '',
    );
}

my $listening;
my $peer;
if ($role eq 'smsc') {
    $listening = Net::SMPP->new_listen('127.0.0.1', port => $port, smpp_version => 0x34, async => 1,
        enquire_interval => 0)
        or die "cannot listen: $!";
}
else {
    ($peer, my $resp) = Net::SMPP->new_transceiver('127.0.0.1', port => $port, smpp_version => 0x34,
        system_id => 'esme1', password => 'secret1', enquire_interval => 0);
    die "cannot connect\n" unless $peer;
    tell_line(event => 'bound', status => $resp->{status}, system_id => $resp->{system_id});
}
tell_line(event => 'ready');

my $ids = 0;
my $select = IO::Select->new(\*STDIN, grep { defined } $listening, $peer);
my $typed = '';
while (my @ready = $select->can_read) {
    for my $handle (@ready) {
        if ($handle == \*STDIN) {
            sysread(STDIN, $typed, 65536, length $typed) or exit 0;
            while ($typed =~ s/^([^\n]*)\n//) { send_one(split ' ', $1) }
        }
        elsif (defined $listening && $handle == $listening) {
            $peer = $listening->accept or next;
            $select->add($peer);
        }
        else {
            my $pdu = $handle->read_pdu;
            if (defined $pdu) { heard($handle, $pdu) }
            else { $select->remove($handle); $handle->close }
        }
    }
}

sub send_one {
    my ($source, $destination, $esm_class, $data_coding, $hex, @tlvs) = @_;
    my @more = map { my ($tag, $value) = split /=/; ($tag => pack('H*', $value)) } @tlvs;
    my $send = $role eq 'esme' ? 'submit_sm' : 'deliver_sm';
    my $seq = $peer->$send(async => 1, source_addr_ton => 1, source_addr_npi => 1, source_addr => $source,
        dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $destination, esm_class => $esm_class,
        data_coding => $data_coding, registered_delivery => 1, short_message => $hex eq '-' ? '' : pack('H*', $hex), @more);
    tell_line(event => 'sent', seq => $seq);
}

sub heard {
    my ($from, $pdu) = @_;
    my ($cmd, $seq) = ($pdu->{cmd}, $pdu->{seq});
    if ($cmd == 0x00000004) {
        my $id = 'perl-' . ++$ids;
        tell_line(event => 'submit_sm', id => $id, fields($pdu));
        $from->submit_sm_resp(message_id => $id, seq => $seq);
        receipt($from, $pdu, $id) if $pdu->{registered_delivery} & 1;
    }
    elsif ($cmd == 0x00000005) {
        tell_line(event => 'deliver_sm', fields($pdu));
        $from->deliver_sm_resp(message_id => '', seq => $seq);
    }
    elsif ($cmd == 0x80000004 || $cmd == 0x80000005) {
        tell_line(event => 'response', seq => $seq, status => $pdu->{status}, id => $pdu->{message_id});
    }
    elsif ($cmd == 0x00000009) { $from->bind_transceiver_resp(system_id => 'perl', seq => $seq) }
    elsif ($cmd == 0x00000015) { $from->enquire_link_resp(seq => $seq) }
    elsif ($cmd == 0x00000006) { $from->unbind_resp(seq => $seq) }
    elsif ($cmd < 0x80000000)  { $from->generic_nack(status => 3, seq => $seq) }
}

sub receipt {
    my ($to, $pdu, $id) = @_;
    my $text = "id:$id sub:001 dlvrd:001 submit date:2601020304 done date:2601020304 stat:DELIVRD err:000 text:";
    $to->deliver_sm(async => 1, source_addr_ton => 1, source_addr_npi => 1, source_addr => $pdu->{destination_addr},
        dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $pdu->{source_addr}, esm_class => 4,
        short_message => $text);
}
