/* A socket whose methods let the lock go, make the call, take the lock and answer, without a look at their arguments: whoever
   calls from Python pays at least this. method.py compiles it. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <sys/socket.h>

typedef struct {
    PyObject_HEAD
    int fd;
} Least;

#define METHOD(name, call, result) \
    static PyObject *name##_at_least(Least *self, PyObject *const *args, Py_ssize_t count) { \
        char buffer[64]; \
        ssize_t answer; \
        Py_BEGIN_ALLOW_THREADS \
        answer = call; \
        Py_END_ALLOW_THREADS \
        (void)args, (void)count, (void)buffer; \
        return answer < 0 ? PyErr_SetFromErrno(PyExc_OSError) : result; \
    }

METHOD(send, send(self->fd, PyBytes_AS_STRING(args[0]), PyBytes_GET_SIZE(args[0]), 0), PyLong_FromSsize_t(answer))
METHOD(recv, recv(self->fd, buffer, sizeof buffer, 0), PyBytes_FromStringAndSize(buffer, answer))
METHOD(recv_into, recv(self->fd, PyByteArray_AS_STRING(args[0]), PyByteArray_GET_SIZE(args[0]), 0), PyLong_FromSsize_t(answer))

static int start(PyObject *self, PyObject *args, PyObject *names) {
    (void)names;
    return PyArg_ParseTuple(args, "i", &((Least *)self)->fd) ? 0 : -1;
}

static PyMethodDef methods[] = {
    { "send", (PyCFunction)(void *)send_at_least, METH_FASTCALL, NULL },
    { "recv", (PyCFunction)(void *)recv_at_least, METH_FASTCALL, NULL },
    { "recv_into", (PyCFunction)(void *)recv_into_at_least, METH_FASTCALL, NULL },
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = { { Py_tp_init, start }, { Py_tp_methods, methods }, { 0, NULL } };
static PyType_Spec least = { "method.Least", sizeof(Least), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, .m_name = "method", .m_size = -1 };

PyMODINIT_FUNC PyInit_method(void) {
    PyObject *self = PyModule_Create(&module);
    if (self && PyModule_AddObject(self, "Least", PyType_FromSpec(&least)) < 0) Py_CLEAR(self);
    return self;
}
