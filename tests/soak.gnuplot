# soak.gnuplot CSV SVG: memory, rate and latency over time.
set datafile separator ","
set terminal svg size 900,780 dynamic background "white"
set output ARG2
set multiplot layout 3,1
set xlabel "seconds"
set grid
set key outside right
set ylabel "resident, MiB"
set yrange [0:*]
plot ARG1 using 1:($3/1024) with lines title "resident", ARG1 using 1:6 with lines title "rings", ARG1 using 1:4 with lines title "descriptors"
set ylabel "events a second, millions"
plot ARG1 using 1:($2/1e6) with lines title "emitted"
set ylabel "ns an event"
set logscale y
set yrange [10:*]
plot ARG1 using 1:7 with lines title "median", ARG1 using 1:8 with lines title "99 %", ARG1 using 1:9 with lines title "99.9 %", ARG1 using 1:10 with lines title "most"
