// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import JSON
internal import Tensors

extension BundleDetails {
    init(_ json: JSONValue) throws(JSONError) {
        name = try json.member("name").string()
        formatVersion = try json.member("formatVersion").integer()
        precision = try json.member("precision").choice()
        preprocessing = try json.memberIfPresent("preprocessing").map { value throws(JSONError) in try Preprocessing(value) }
        labels = try json.member("labels").elements().map { label throws(JSONError) in try label.string() }
        outputKind = try json.member("outputKind").choice()
        temperature = try json.member("temperature").double()
        sourceDigest = try json.member("sourceDigest").string()
        weightsDigest = try json.member("weightsDigest").string()
        networkDigest = try json.memberIfPresent("networkDigest").map { value throws(JSONError) in try value.string() }
        certifiedGate = try json.memberIfPresent("certifiedGate").map { value throws(JSONError) in
            let rungs = try value.member("rungs").elements().map { rung throws(JSONError) in try Certificate(rung) }
            let secondLook = try value.memberIfPresent("secondLook").map { bound throws(JSONError) in try bound.double() }
            guard let gate = CertifiedGate(rungs: rungs, fullModel: try value.member("fullModel").string(), secondLook: secondLook) else {
                throw value.wrong("a certificate")
            }
            return gate
        }
        recovery = try json.memberIfPresent("recovery").map { value throws(JSONError) in try UploadDetails(value) }
        weightsChosenOn = try json.memberIfPresent("weightsChosenOn").map { value throws(JSONError) in try value.integer() }
        plans = try json.memberIfPresent("plans").map { value throws(JSONError) in try PlanDetails(value) }
        combination = try json.memberIfPresent("combination").map { value throws(JSONError) in try CombinedScore(value) }
        secondLook = try json.memberIfPresent("secondLook").map { value throws(JSONError) in
            SecondLook(
                temperature: try value.member("temperature").double(),
                combination: try value.memberIfPresent("combination").map { value throws(JSONError) in try CombinedScore(value) })
        }
    }
}

extension UploadDetails {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        self.init(
            form: try UploadForm(json.member("form")), meanBytes: try json.member("meanBytes").double(), p95Bytes: try json.member("p95Bytes").integer(),
            samples: try json.member("samples").integer(), changed: try json.member("changed").integer(), lost: try json.member("lost").integer(),
            gained: try json.member("gained").integer(), isLabelled: try json.member("isLabelled").boolean(), bound: try json.member("bound").double(),
            confidence: try json.member("confidence").double(), fullModel: try json.member("fullModel").string())
    }
}

extension PlanDetails {
    /// Without the table.
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        self.init(
            fullModel: try json.member("fullModel").string(), measure: try json.member("measure").choice(),
            exits: try json.member("exits").elements().map { exit throws(JSONError) in
                Exit(
                    name: try exit.member("name").string(), temperature: try exit.member("temperature").double(),
                    combination: try exit.memberIfPresent("combination").map { value throws(JSONError) in try CombinedScore(value) })
            },
            cuts: try json.member("cuts").elements().map { cut throws(JSONError) in
                let crossing = try cut.member("crossing").elements().map { value throws(JSONError) in
                    Cut.Crossing(
                        name: try value.member("name").string(),
                        shape: try value.member("shape").elements().map { size throws(JSONError) in try size.integer() })
                }
                return Cut(position: try cut.member("position").integer(), fullPosition: try cut.member("fullPosition").integer(), crossing: crossing)
            }, table: [])
    }
}

extension UploadForm {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        self.init(size: try Size(json.member("size")), encoding: try Encoding(json.member("encoding")))
    }
}

extension UploadForm.Encoding {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        let (name, values) = try json.enumerationCase()
        switch name {
        case "jpeg": self = try .jpeg(quality: values.member("quality").integer(), fullColour: values.member("fullColour").boolean())
        case "png": self = .png
        default: throw json.wrong("an encoding, not '\(name)'")
        }
    }
}

extension UploadForm.Size {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        let (name, values) = try json.enumerationCase()
        switch name {
        case "original": self = .original
        case "shorterSide": self = try .shorterSide(values.member("_0").integer())
        case "square": self = try .square(values.member("_0").integer())
        case "exactly": self = try .exactly(width: values.member("width").integer(), height: values.member("height").integer())
        default: throw json.wrong("a size, not '\(name)'")
        }
    }
}

extension CombinedScore {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        self.init(
            intercept: try json.member("intercept").double(), slope: try json.member("slope").double(),
            offsets: try json.member("offsets").elements().map { offset throws(JSONError) in try offset.double() })
    }
}

extension Certificate {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        self.init(
            risk: try json.member("risk").choice(), bound: try json.member("bound").double(), confidence: try json.member("confidence").double(),
            measure: try json.member("measure").choice(), threshold: try json.member("threshold").double(),
            samples: try json.member("samples").integer(), accepted: try json.member("accepted").integer(),
            loss: try json.member("loss").integer(), disagreements: try json.member("disagreements").integer(),
            isLabelled: try json.member("isLabelled").boolean())
    }
}

extension Preprocessing {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        self.init(
            width: try json.member("width").integer(), height: try json.member("height").integer(),
            channelOrder: try json.member("channelOrder").choice(), resize: try Resize(json.member("resize")),
            scale: try json.member("scale").double(),
            mean: try json.member("mean").elements().map { number throws(JSONError) in try number.double() },
            deviation: try json.member("deviation").elements().map { number throws(JSONError) in try number.double() })
    }
}

extension Preprocessing.Resize {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        let (name, values) = try json.enumerationCase()
        switch name {
        case "none": self = .none
        case "shorterSide": self = try .shorterSide(values.member("_0").integer())
        case "warp": self = .warp
        default: throw json.wrong("a way to resize, not '\(name)'")
        }
    }
}
