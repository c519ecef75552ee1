# Real work for perl: hashes, sorting, patterns, strings that grow.
use strict;
use warnings;

my %count;
my $text = '';
for my $i (0 .. 60000) {
    my $word = 'w' . ($i * 7919 % 5003) . 'x' x ($i % 17);
    $count{$word}++;
    $text .= "$word ";
}
my @sorted = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print scalar(@sorted), " @sorted[0..4]\n";
my $hits = 0;
$hits++ while $text =~ /w(\d+)(x+) w\1/g;
(my $short = $text) =~ s/(x)+/length($&)/ge;
print length($text), " $hits ", length($short), "\n";
my %nested;
push @{ $nested{ length $_ }{ substr $_, 0, 3 } }, $_ for @sorted;
print join(',', map { "$_:" . scalar keys %{ $nested{$_} } } sort { $a <=> $b } keys %nested), "\n";
open my $file, '>', 'words.txt' or die;
print $file join("\n", reverse @sorted), "\n";
close $file;
exit 5;
