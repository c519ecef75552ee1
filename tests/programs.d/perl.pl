# Real work for perl: hashes, sorting, patterns, strings that grow; again and again in one process.
#
# Usage: perl.pl ROUNDS SIZES   Prints the results, the same in every round; the file SIZES gets what the process
# occupies.
use strict;
use warnings;

sub work {
    my ( %count, @out );
    my $text = '';
    for my $i ( 0 .. 60000 ) {
        my $word = 'w' . ( $i * 7919 % 5003 ) . 'x' x ( $i % 17 );
        $count{$word}++;
        $text .= "$word ";
    }
    my @sorted = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
    push @out, scalar(@sorted) . " @sorted[0..4]";
    my $hits = 0;
    $hits++ while $text =~ /w(\d+)(x+) w\1/g;
    ( my $short = $text ) =~ s/(x)+/length($&)/ge;
    push @out, length($text) . " $hits " . length($short);
    my %nested;
    push @{ $nested{ length $_ }{ substr $_, 0, 3 } }, $_ for @sorted;
    push @out, join( ',', map { "$_:" . scalar keys %{ $nested{$_} } } sort { $a <=> $b } keys %nested );
    my @parts = split / /, $text;
    my $packed = pack '(n/a*)*', @parts;
    push @out, length($packed) . ' ' . unpack( '%32C*', $packed );
    push @out, join ' ', map { sprintf '%s=%d', $_, length( $_ x 70000 ) } @parts[ 0 .. 9 ];
    my $closures = 0;
    for my $make ( map { my $i = $_; sub { $i * shift } } 1 .. 20000 ) { $closures += $make->(3) }
    return join "\n", @out, $closures, @sorted[ 0 .. 999 ];
}

my ( $rounds, $file ) = @ARGV;
open my $sizes, '>', $file or die "$file: $!";
my $first;
for my $round ( 1 .. $rounds ) {
    my $result = work();
    $first //= $result;
    $result eq $first or die "round $round differs";
    open my $status, '<', '/proc/self/status' or die $!;
    my %value = map { /^(\w+):\s+(\d+)/ ? ( $1 => $2 ) : () } <$status>;
    print $sizes "$value{VmSize} $value{VmRSS}\n";
}
print "$first\n";
open my $words, '>', 'words.txt' or die $!;
print $words $first;
close $words;
exit 5;
