"""A builder of arbitrary .tflite graphs, so that the reader meets files that the writer would never write."""

import numpy as np

from anomsdk.plans.tflite.reader import parse_tflite

ITEM = {"FLOAT32": "<f4", "INT8": "<i1", "UINT8": "<u1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8"}


class Graph:
    """Tensors and operators by name; every keyword that a test needs to be wrong can be given."""

    def __init__(self, n_in=4, kind="INT8", shape=None, *, extras=False, **fields):
        self.extras = extras  # tables that the reader never reads
        self.tensors, self.operators = {}, []
        self.inputs, self.outputs = ["x"], []
        self.subgraphs, self.version = 1, 3
        self.tensor("x", kind, shape or (1, n_in), **fields)

    def tensor(self, name, kind, shape, scales=(0.5,), zero_points=None, data=None, **fields):
        scales = () if kind == "FLOAT32" and scales == (0.5,) else scales
        zero_points = [0] * len(scales) if zero_points is None else zero_points
        self.tensors[name] = dict(kind=kind, shape=shape, scales=scales, zero_points=zero_points, data=data, **fields)
        return name

    def operator(self, code, inputs, outputs, options=None, custom=None):
        self.operators.append((code, inputs, outputs, options, custom))
        self.outputs = outputs[:1]
        return self

    def dense(self, source="x", n_in=4, n_out=3, target="y", w=None, b=None, y=None, options=None, bias=True):
        """A good FULLY_CONNECTED layer, but for the fields in w, b, y and options; returns self."""
        name = f"{target}/MatMul"
        w = {"kind": "INT8", "shape": (n_out, n_in), "scales": (0.25,), **(w or {})}
        values = np.arange(int(np.prod(w["shape"]))) % 7 - 3
        w.setdefault("data", values.astype(ITEM.get(w["kind"], "<i1")).tobytes())
        b = {"kind": "INT32", "shape": (n_out,), "scales": (0.125,), **(b or {})}
        b.setdefault("data", np.arange(int(np.prod(b["shape"]))).astype(ITEM[b["kind"]]).tobytes())
        self.tensor(name, **w)
        self.tensor(f"{target}/bias", **b)
        self.tensor(target, **{"kind": "INT8", "shape": (1, n_out), "scales": (1.0,), **(y or {})})
        options = {"FusedActivationFunction": 0, **(options or {})}
        inputs = [source, name, *([f"{target}/bias"] if bias else [])]
        return self.operator("FULLY_CONNECTED", inputs, [target], ("FullyConnectedOptions", options))

    def convert(self, code, source, target, kind, n, **fields):
        self.tensor(target, kind, (1, n), **fields)
        return self.operator(code, [source], [target])

    def index(self, name):
        return name if isinstance(name, int) else list(self.tensors).index(name)

    def build(self):
        import flatbuffers
        import tflite

        b = flatbuffers.Builder(1024)

        def table(kind, **fields):
            getattr(tflite, f"{kind}Start")(b)
            for field, value in fields.items():
                getattr(tflite, f"{kind}Add{field}")(b, value)
            return getattr(tflite, f"{kind}End")(b)

        def array(values, dtype):
            return b.CreateNumpyVector(np.array(values, dtype))

        def offsets(items):
            b.StartVector(4, len(items), 4)
            for item in reversed(items):
                b.PrependUOffsetTRelative(item)
            return b.EndVector()

        def texts(count):
            return [b.CreateString(f"text {number}") for number in range(count)]

        def extra_tables():
            """Metadata, and signatures of inputs and outputs, as converters write them."""
            buffers.append(table("Buffer", Data=b.CreateByteVector(b"2.14.0")))
            metadata = [table("Metadata", Name=text, Buffer=len(buffers) - 1) for text in texts(2)]
            maps = [table("TensorMap", Name=text, TensorIndex=0) for text in texts(2)]
            ends = {"Inputs": offsets(maps[:1]), "Outputs": offsets(maps[1:])}
            (key,) = texts(1)
            signatures = [table("SignatureDef", **ends, SignatureKey=key, SubgraphIndex=0)]
            return {
                "Description": texts(1)[0],
                "MetadataBuffer": array([len(buffers) - 1], "<i4"),
                "Metadata": offsets(metadata),
                "SignatureDefs": offsets(signatures),
            }

        def tensor(name, kind, shape, scales, zero_points, data, **more):
            fields = {"Name": b.CreateString(name), "Shape": array(shape, "<i4")}
            fields["Type"] = getattr(tflite.TensorType, kind)
            if scales or zero_points:
                quantisation = {"Scale": array(scales, "<f4"), "ZeroPoint": array(zero_points, "<i8")}
                for field in {"QuantizedDimension", "DetailsType"} & set(more):
                    quantisation[field] = more.pop(field)
                fields["Quantization"] = table("QuantizationParameters", **quantisation)
            if "Signature" in more:
                fields["ShapeSignature"] = array(more.pop("Signature"), "<i4")
            if more.pop("Sparse", False):
                fields["Sparsity"] = table("SparsityParameters")
            external = {field: more.pop(field) for field in ("Offset", "Size") if field in more}
            if data is not None or external:
                data = {"Data": b.CreateByteVector(data)} if data is not None else {}
                buffers.append(table("Buffer", **data, **external))
                fields["Buffer"] = len(buffers) - 1
            return table("Tensor", **fields, **more)

        buffers = [table("Buffer")]
        tensors = [tensor(name, **fields) for name, fields in self.tensors.items()]
        codes, operators = [], []
        for code, inputs, outputs, options, custom in self.operators:
            number = getattr(tflite.BuiltinOperator, code)
            fields = {"DeprecatedBuiltinCode": min(number, 127), "BuiltinCode": number, "Version": 1}
            if custom is not None:
                fields["CustomCode"] = b.CreateString(custom)
            codes.append(table("OperatorCode", **fields))
            fields = {"Inputs": array([self.index(i) for i in inputs], "<i4")}
            fields["Outputs"] = array([self.index(i) for i in outputs], "<i4")
            fields["OpcodeIndex"] = len(codes) - 1
            if options:
                fields["BuiltinOptions"] = table(options[0], **options[1])
                fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, options[0])
            operators.append(table("Operator", **fields))
        graph = table(
            "SubGraph",
            Tensors=offsets(tensors),
            Inputs=array([self.index(i) for i in self.inputs], "<i4"),
            Outputs=array([self.index(i) for i in self.outputs], "<i4"),
            Operators=offsets(operators),
        )
        extras = extra_tables() if self.extras else {}
        model = table(
            "Model",
            **extras,
            Version=self.version,
            OperatorCodes=offsets(codes),
            Subgraphs=offsets([graph] * self.subgraphs),
            Buffers=offsets(buffers),
        )
        b.Finish(model, file_identifier=b"TFL3")
        return bytes(b.Output())

    def parse(self):
        return parse_tflite(self.build(), name="model.tflite")


def model_with_edges(layers, input_type, output_type):
    """The layers behind QUANTIZE and before DEQUANTIZE (or QUANTIZE, for uint8), as converters leave them."""
    first, last = layers[0], layers[-1]
    n_in, n_out = first.weights.shape[1], last.weights.shape[0]
    edge = {"float32": ("FLOAT32", 0), "uint8": ("UINT8", 128), "int8": ("INT8", 0)}
    kind, shift = edge[input_type]
    inner = {"scales": (first.input_scale,), "zero_points": [first.input_zero_point]}
    quantised = {"scales": inner["scales"], "zero_points": [first.input_zero_point + shift]}
    graph = Graph(n_in, kind, **({} if kind == "FLOAT32" else quantised))
    source = "x"
    if kind != "INT8":
        graph.convert("QUANTIZE", "x", "q", "INT8", n_in, **inner)
        source = "q"
    for index, layer in enumerate(layers):
        target = f"y{index}"
        graph.dense(
            source,
            n_in=layer.weights.shape[1],
            n_out=layer.weights.shape[0],
            target=target,
            w={"scales": tuple(layer.weight_scales.tolist()), "data": layer.weights.tobytes(), "QuantizedDimension": 0},
            b={
                "scales": tuple((np.float32(layer.input_scale) * layer.weight_scales).tolist()),
                "data": layer.bias.astype("<i4").tobytes(),
            },
            y={"scales": (layer.output_scale,), "zero_points": [layer.output_zero_point]},
            options={"FusedActivationFunction": ["NONE", "RELU"].index(layer.activation)},
        )
        source = target
    if output_type != "int8":
        kind, shift = edge[output_type]
        fields = {"scales": (last.output_scale,), "zero_points": [last.output_zero_point + shift]}
        code = "DEQUANTIZE" if kind == "FLOAT32" else "QUANTIZE"
        graph.convert(code, source, "out", kind, n_out, **({} if kind == "FLOAT32" else fields))
    return graph.build()
