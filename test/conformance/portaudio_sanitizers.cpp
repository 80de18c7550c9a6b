// SPDX-License-Identifier: MIT

// What a sanitizer is not to say about the libraries below PortAudio, which are not compiled with it and
// which Pa_Initialize loads by the dozen: every ALSA plug-in of the machine. (Without a sanitizer nobody
// calls these.)

extern "C" {

/// The plug-ins leak, and are unloaded again: then there is not even a name left that could be suppressed.
/// That we leak nothing is a test of its own (portaudio_alsa_test.cpp).
const char* __asan_default_options() {
    return "detect_leaks=0";
}

/// pulse: its mutexes. jack: the thread of a client whose server has died is never joined. JackLoop and its
/// like: their memory is shared with the client under test by a server that orders the two from outside.
const char* __tsan_default_suppressions() {
    return "race:libpulse\n"
           "thread:libjack.so\n"
           "race:conformance::JackLoop::cycle\n"
           "race:conformance::JackKeeper\n"
           "race:conformance::JackSender\n";
}

} // extern "C"
