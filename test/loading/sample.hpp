// SPDX-License-Identifier: MIT
#pragma once

// A library that backends/loading loads: every kind of call that a C library can have.

extern "C" {
int sample_add(int a, int b);
/// More arguments of both kinds than there are registers for them.
double sample_weigh(int a, double b, int c, double d, int e, double f, int g, double h, int i, double j,
                    int k, double l, int m, double n, int o, double p, double q, double r);
/// Adds up `count` doubles.
double sample_sum(int count, ...);
struct SampleLarge {
    double values[6];
};
/// Returned through memory of the caller's.
SampleLarge sample_fill(double first);
/// Only newer versions have it.
int sample_newer(int a);
}
