// SPDX-License-Identifier: Apache-2.0
import Digests
import Testing

struct SHA256Tests {
    /// FIPS 180-4 example values.
    @Test func digestsOfTheStandardsExamples() {
        #expect(SHA256Digest(of: "").description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256Digest(of: "abc").description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}
