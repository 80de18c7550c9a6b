// SPDX-License-Identifier: MIT
#include "sample.hpp"

#include <cstdarg>

int sample_add(int a, int b) {
    return a + b;
}

double sample_weigh(int a, double b, int c, double d, int e, double f, int g, double h, int i, double j,
                    int k, double l, int m, double n, int o, double p, double q, double r) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k + 12 * l +
           13 * m + 14 * n + 15 * o + 16 * p + 17 * q + 18 * r;
}

double sample_sum(int count, ...) {
    std::va_list values;
    va_start(values, count);
    double sum = 0.0;
    for (int i = 0; i < count; ++i)
        sum += va_arg(values, double);
    va_end(values);
    return sum;
}

SampleLarge sample_fill(double first) {
    return {{first, first + 1, first + 2, first + 3, first + 4, first + 5}};
}
