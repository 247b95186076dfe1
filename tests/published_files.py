"""Files of weights for tests: small ones as other software wrote them, byte for byte, and writers of more.

The .npy files hold an array of two arrays: float32 (2, 3), a quarter of 0 to 5, and float64 [1.5, -2]. The checkpoints
hold {'net_state': OrderedDict, 'step': 3}: 'a.weight' float32 (2, 3), a transposed view of the first half of a storage
of 12 (a quarter of 0, 2, 4 and 1, 3, 5), 'a.bias' float64 [1.5, -2] and 'n', the integer 7.
"""
from __future__ import annotations

import base64
import collections
import io
import pickle
import sys
import types
import zipfile
import zlib

import numpy as np

QUARTERS = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
PAIR = [QUARTERS, np.array([1.5, -2])]


def _bytes(text: str) -> bytes:
    return zlib.decompress(base64.b85decode(text))


PYTHON_2 = _bytes(  # numpy.save of Python 2.7.18 with NumPy 1.16.6 (protocol 2)
    "c-oun7wQ`j$;eQ~P_3SlTAW;@Zl$1J<FBrxpq`drR8o|f7oT60k_r-bOUx-w1&SAEBo?Fs`5Hz#nmP)#3X}k@2Bze^(%gbdz2y9&RK48NoRZ"
    "AMqN2n~uK1$V<ovwilA_Y&60Sl<h$^nU6o_mglQ%<aC}UE4P$9F1H={RGD^x*BNo7GQS0PI%lfQ*GgEu2k0jq{Lb0}ktpP!%Ce;@!8-u5L)o"
    "w0>%8X1fk2&34+MtL*0WdQZ3nLzb(fc4v;>SqAz50zj5g9bYwVb8$e0K^SIyZ~r8in*K+CxT6dxrz&?sR9sFf7nB4h65!@sU=Bz07g4}Yy"
)

NUMPY_2 = _bytes(  # numpy.save of NumPy 2.4.6 (protocol 4)
    "c-oun7wQ`j$;eQ~P_3SlTAW;@Zl$1J<FBrxpq`drR8o|f7oT60k_r-bOUx-w1&SAEBo?Fs`5Hz#nmP)#3X}k@29~L2j0|AVBbHa1TTrPNpPX"
    "Nms+U`uQ<9ljRFqgbrH3cJC^b1huehYBG`VET<S9L@V3kvP*z-~#N+wV7W@w$_%$PK#eM-<24R1zorq(GL%ss3rC6xuKAT3P(7E?MqAhOIoj"
    "5SmI{QSKB0|A)uwlA5I)EPTPBZDb}6=YNfJKP{|=C&yrJUvWlCddZZpc%jbGQe2^;*|zFAYsqI-~hx8K)k?y3Q!u0*{u+hk(`zxh0R<6h`B%"
    "PAvD7Qka?*<tOo$Iu#@5"
)

TORCH_OLD = _bytes(  # torch.save of PyTorch 1.4.0 (the format before zip files)
    "c-n1|&2G~`5XaYRCuvMt!Z+nJN9Phb#<b-^bEtY*KEq`%$a0)jY-D*e_P7Y7O1ZQGo`C~L9;1)Kl{Wy11LGvE8YwIN*Sq7{|8F!i<KOJ`-}l"
    "46oew|XZ1-mT<!_VrV_=SKGsdR5Mjh!iI8u3$=nM=>kel=;O%PKRsBD~s8SpRCrXYTrs-Q?ds{+hpupC*VU=iyap(eOA>6T;&bzw=X^3d4?8"
    "p0~eb7qsGnZlsJ5EU2^p;Hwhkqi5EK32IJA0!dlz`H{*9l1gIVeg|#CNY8)q0XbY7nGQ!g&pK-R3_;-K$R6b4~{$=YK|itRZWx`P88G^Pwc}"
    "~hxl$0w4oulDCe2q_n$oV-Tt2M_jh1pUVbz!p($Fg5bU>t2`<c2xFQU}PoecSuBzHZ*c!rBS)Z3SO2Pu#F>&K_)`2cZsk(q&y9C?W>+gErt_"
    "RoSrr-p*F^8PMO<|nCtp(sV!kr=9l}6Po*k18|K^?ttzPIA+dA{qqaG#tFa(+P0-R{EiA;O~}JTB)$DNs$JBg|?h@2i=t>4mYbX1)$*s$Pp-"
    "UbE-4?K3tY%}75;XQW>wHejqx>X6(4UwQXue|b1FmWRgj`yVt%t@r"
)

TORCH_ZIP = _bytes(  # torch.save of PyTorch 1.8.1 (a zip file)
    "c-oDV&x_MQ6vrn?o3?S?)?I&B*F`~F)c&&8_M)XMIT&GUMG0O?nhs4cG=0gWo`hbyAfEgO7Qu^u#-7EC9z3rn@$AK;lcX(4b~o(6%fRHl&-c"
    "rFGhK;GAe2s{BP)kCkYcHtKE>ssLX^_vjUjf{(d*EfvF`vC<P0qsW74;YLNG9@Y8nPsiEfT<Vb>aB3lDd6l?cEVd%zWBS5GOu#rjAikWh(9g"
    "-U&g=!PxyEj(~^W7sEnY@1epS`#2yD99;VW7AA!gn{=<1ko@R^1?q9ASJKUoL0TjYSte%tJQk5+JLmo(L;6OKt@_4AUv0l#7f*AoRJub-GjC"
    "FnrrGTf%P6_W!`f(&=nhU8kN<SQah$IFz`z2TvV&ts=<bqkyrwop2i%`OUxWD`233mF7@ED%($I`D<SkVb39ssuLi)?My>v+QfWe-f*AtWD7"
    "aYkf!7Ia_27mhC%nGk32aN8Q|d~o^!{h3{gDc}(LHg%d2~B8;Br_~?A(mZ`nZ)^z+BnM&)=r2lSc8f<>O?RJrp~4Pa(TnKJ(v`1^mGE@!{#W"
    "dCt4R@jmXH=!4!Hv2zQZT7UMKeyE2wjTwzkG!AGSy1v@f35{(UmA32e%b&krEA&St)?XHFuKZ20Wz)ALcCt}V4+NL^eSh?lr8TTaWZZ4V3|@"
    "xZ5tZl*k5&g~nh#a}Vo==miGqSd34>%7#a)OfDA>I)=r9IECmIC>o0biMW*myPzAN$ky~Xb>?*1w@8QEVk{{Dkoz6;)aB85c)<DDgWzb5JB`"
    "?>!CZ7d=m"
)


def objects(arrays):
    """An array of arrays, as numpy.save makes of a list of different shapes."""
    found = np.empty(len(arrays), object)
    found[:] = arrays
    return found


def write_npy(path, content, protocol=2, count=None):
    """A .npy file of a pickled array of arrays, or of *content* where that is the pickle itself."""
    body = content if isinstance(content, bytes) else pickle.dumps(objects(content), protocol)
    with open(path, "wb") as handle:
        np.lib.format.write_array_header_1_0(handle, {
            "descr": "|O", "fortran_order": False, "shape": (len(content) if count is None else count,)})
        handle.write(body)
    return path


class TensorLike:
    """What pickles as a tensor of PyTorch does."""

    def __init__(self, array, key, shape=None, strides=None):
        self.array, self.key = np.array(array, order="C"), key
        steps = [step // self.array.itemsize for step in self.array.strides]
        self.shape = self.array.shape if shape is None else shape
        self.strides = tuple(steps) if strides is None else strides


def write_torch(path, content, monkeypatch, byteorder=None):
    """The zip file of torch.save for *content*, whose tensors are TensorLike, without PyTorch."""
    utils, torch = types.ModuleType("torch._utils"), types.ModuleType("torch")

    def rebuild(*arguments):
        raise AssertionError("only its name is pickled")

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    storage = type("FloatStorage", (), {"__module__": "torch"})
    utils._rebuild_tensor_v2, torch.FloatStorage, torch._utils = rebuild, storage, utils
    for name, module in (("torch", torch), ("torch._utils", utils)):
        monkeypatch.setitem(sys.modules, name, module)

    class Storage:
        def __init__(self, tensor):
            self.tensor = tensor

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Storage):
                return "storage", storage, value.tensor.key, "cpu", value.tensor.array.size
            return None

        def reducer_override(self, value):
            if isinstance(value, TensorLike):
                return rebuild, (Storage(value), 0, value.shape, value.strides, False, collections.OrderedDict())
            return NotImplemented

    body = io.BytesIO()
    Pickler(body, 2).dump(content)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", body.getvalue())
        if byteorder:
            archive.writestr("archive/byteorder", byteorder)
        for value in (content.get("net_state", content) if isinstance(content, dict) else {}).values():
            if isinstance(value, TensorLike):
                order = ">f4" if byteorder == "big" else "<f4"
                archive.writestr(f"archive/data/{value.key}", value.array.astype(order).tobytes())
    return path


def tensors(state, prefix=""):
    return collections.OrderedDict((prefix + name, TensorLike(array, str(i)))
                                   for i, (name, array) in enumerate(state.items()))
