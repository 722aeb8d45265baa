/* A socket whose methods let the lock go, make the call, take the lock and answer, without a look at their arguments: whoever
   calls from Python pays at least this. method.py compiles it. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
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

static struct sockaddr_in6 packed(PyObject *address, socklen_t *size) {
    union { struct sockaddr_in in; struct sockaddr_in6 in6; } to = { .in6 = { .sin6_family = AF_INET6 } };
    const char *host = PyUnicode_AsUTF8(PyTuple_GET_ITEM(address, 0));
    to.in6.sin6_port = htons((uint16_t)PyLong_AsLong(PyTuple_GET_ITEM(address, 1)));  /* at the same place in both */
    if (PyTuple_GET_SIZE(address) == 2) {
        to.in.sin_family = AF_INET;
        *size = sizeof to.in;
        inet_pton(AF_INET, host, &to.in.sin_addr);
    } else {
        *size = sizeof to.in6;
        inet_pton(AF_INET6, host, &to.in6.sin6_addr);
    }
    return to.in6;
}

static PyObject *sendto_at_least(Least *self, PyObject *const *args, Py_ssize_t count) {
    socklen_t size;
    struct sockaddr_in6 to = packed(args[1], &size);
    ssize_t answer;
    Py_BEGIN_ALLOW_THREADS
    answer = sendto(self->fd, PyBytes_AS_STRING(args[0]), PyBytes_GET_SIZE(args[0]), 0, (struct sockaddr *)&to, size);
    Py_END_ALLOW_THREADS
    (void)count;
    return answer < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromSsize_t(answer);
}

static PyObject *recvfrom_at_least(Least *self, PyObject *const *args, Py_ssize_t count) {
    char buffer[64], host[INET6_ADDRSTRLEN];
    struct sockaddr_in6 from;
    socklen_t size = sizeof from;
    ssize_t answer;
    Py_BEGIN_ALLOW_THREADS
    answer = recvfrom(self->fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size);
    Py_END_ALLOW_THREADS
    (void)args, (void)count;
    if (answer < 0) return PyErr_SetFromErrno(PyExc_OSError);
    if (from.sin6_family == AF_INET) {
        inet_ntop(AF_INET, &((struct sockaddr_in *)&from)->sin_addr, host, sizeof host);
        return Py_BuildValue("y#(si)", buffer, answer, host, ntohs(from.sin6_port));
    }
    inet_ntop(AF_INET6, &from.sin6_addr, host, sizeof host);
    return Py_BuildValue("y#(siII)", buffer, answer, host, ntohs(from.sin6_port), ntohl(from.sin6_flowinfo), from.sin6_scope_id);
}

static int start(PyObject *self, PyObject *args, PyObject *names) {
    (void)names;
    return PyArg_ParseTuple(args, "i", &((Least *)self)->fd) ? 0 : -1;
}

static PyMethodDef methods[] = {
    { "send", (PyCFunction)(void *)send_at_least, METH_FASTCALL, NULL },
    { "recv", (PyCFunction)(void *)recv_at_least, METH_FASTCALL, NULL },
    { "sendto", (PyCFunction)(void *)sendto_at_least, METH_FASTCALL, NULL },
    { "recvfrom", (PyCFunction)(void *)recvfrom_at_least, METH_FASTCALL, NULL },
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
