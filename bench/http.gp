# SPDX-License-Identifier: ISC
# Draws data (one row for each server: name, then median, least, most for each size) into svg.
set terminal svg size 760,340 font "sans-serif,12" background rgb "white"
set output svg
set style data boxerrorbars
set style fill solid 0.7 border -1
# boxerrorbars takes x, y, least, most, width: without the width, least is taken for a deviation.
set bars 2
set xrange [-0.6:2.6]
set yrange [0:*]
set grid ytics
unset key
array colors[3] = [0x2a6f97, 0xb56576, 0x8a8a8a]
set multiplot layout 1,2 title "Server CPU time per request, µs (median; bars: least and most)"
set title "1 KiB file"
plot data using 0:2:3:4:(0.6):(colors[$0+1]):xtic(1) with boxerrorbars lc rgb variable, \
     data using 0:2:(sprintf("%.2f", $2)) with labels offset 2.6,0.7
set title "100 KiB file"
plot data using 0:5:6:7:(0.6):(colors[$0+1]):xtic(1) with boxerrorbars lc rgb variable, \
     data using 0:5:(sprintf("%.1f", $5)) with labels offset 2.6,0.7
unset multiplot
