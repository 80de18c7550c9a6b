// SPDX-License-Identifier: MIT
#pragma once

// Catch2 version 2 (Debian 12) and version 3 behind one include.

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp> // brings Approx itself
#endif
