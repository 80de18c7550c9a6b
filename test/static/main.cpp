// SPDX-License-Identifier: MIT

// That it links says: every public header can be included by several files of one program, C++20 and C++23
// alike.
int main() {
    return 0;
}
