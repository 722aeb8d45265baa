"litsock in the place of `socket`, for programs that do not know."
