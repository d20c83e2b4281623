;;; sluice-explain.el --- Why a call failed, in plain words -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Sluice authors

;; Author: The Sluice authors <https://github.com/sluice-llm/sluice>
;; URL: https://github.com/sluice-llm/sluice
;; Keywords: comm
;; SPDX-License-Identifier: GPL-3.0-or-later

;; This file is not part of GNU Emacs.

;; This program is free software; you can redistribute it and/or modify
;; it under the terms of the GNU General Public License as published by
;; the Free Software Foundation, either version 3 of the License, or
;; (at your option) any later version.

;; This program is distributed in the hope that it will be useful,
;; but WITHOUT ANY WARRANTY; without even the implied warranty of
;; MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
;; GNU General Public License for more details.

;; You should have received a copy of the GNU General Public License
;; along with this program.  If not, see <https://www.gnu.org/licenses/>.


;;; Commentary:

;; `sluice-explain-last' shows why the last call failed, `sluice-explain-region' does
;; the same for any error text, also without a running daemon.  The words come from
;; the daemon; here they get a page with buttons, each of which has a key.
;; `sluice-copy-curl' copies a call as a curl command; the key is not in it.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'subr-x)
(require 'browse-url)
(require 'sluice)
(require 'sluice-program)
(require 'sluice-words)

(defface sluice-explain-title '((t :inherit (bold error)))
  "Face of the title of an explanation."
  :group 'sluice)

(defface sluice-explain-label '((t :inherit bold))
  "Face of the labels in an explanation."
  :group 'sluice)

(defvar-local sluice-explain--question nil
  "Parameters of the question that this page answers.")

(defvar-local sluice-explain--answer nil
  "The daemon's answer that this page shows.")

(defvar-local sluice-explain--raw nil
  "Non-nil when the page shows the provider's own words too.")

(defvar sluice-explain--clock nil
  "Timer that counts down on the page, while there is something to count.")

;;;; Commands

(defvar-local sluice-explain--told nil
  "A failure of this buffer of which only the text is known, or nil.
It is (QUESTION . CALL), where CALL was `sluice-failed-call' at that time.")
(put 'sluice-explain--told 'permanent-local t)

(defun sluice-explain-note-text (question)
  "Remember that something failed in this buffer of which only QUESTION is known."
  (setq sluice-explain--told (cons question sluice-failed-call)))

(defvar sluice-explain--own nil
  "Failures that Emacs itself explains, newest first, as (CALL . ANSWER).
ANSWER is as the daemon's, which knows nothing of these calls.")

(defvar sluice-explain--refusals 0
  "How many calls Emacs has not even sent: a part of the names that they get.")

(defun sluice-explain-note-own (call &rest parts)
  "Remember that CALL, an id, has failed, and why: PARTS of an explanation.
The daemon will not know it."
  (push (cons call (list :own t :at (float-time)
                         :explanation (append parts (list :language (sluice-words-language)))))
        sluice-explain--own)
  ;; Who looks looks soon.
  (setq sluice-explain--own (seq-take sluice-explain--own 100)))

(defun sluice-explain-own (call)
  "Return the answer of Emacs itself about CALL, an id, or nil if it knows none."
  (cdr (assoc call sluice-explain--own)))

(defun sluice-explain-note-refusal (buffer title text)
  "Remember that Emacs has not sent a call of BUFFER, as TITLE and TEXT say.
Return the id by which it can be explained."
  (let ((id (concat "emacs-" (number-to-string (cl-incf sluice-explain--refusals)))))
    (sluice-explain-note-own
     id :title title :what text
     :actions (list (list :text (sluice-gettext "Mend that, then send the same again."))))
    (sluice-note-failure id buffer text)
    id))

(defun sluice-explain-note-stopped (call)
  "Remember that the daemon was stopped while CALL, an id, ran."
  (sluice-explain-note-own
   call
   :title (sluice-gettext "The Sluice daemon was stopped while this call ran")
   :what (sluice-gettext "The daemon went away before the answer had ended, so the answer is missing \
or not complete.  Emacs has seen its connection break; the daemon itself knows nothing of this call.")
   :why (sluice-gettext "Somebody has ended the daemon, or the system has, or it broke down.  \
The provider has refused nothing.")
   :now (sluice-gettext "Nothing is sent again by itself.  The provider may count what it had \
answered until then.")
   :actions (mapcar (lambda (text) (list :text text))
                    (list (sluice-start-hint)
                          (sluice-gettext "Then send the same again.")
                          (sluice-gettext "If nobody has ended it: M-x sluice-doctor looks what is \
wrong.")))))

(defun sluice-explain-require (buffer)
  "Return a live connection like `sluice-require', for a call from BUFFER.
Without one it is remembered why there is none, for `sluice-explain-last'."
  (condition-case err
      (sluice-require)
    (user-error
     (sluice-explain-note-refusal buffer (sluice-missing-title) (cadr err))
     (signal (car err) (cdr err)))))

(defun sluice-explain--last-call ()
  "Return the id of the failed call that is meant here.
That is the newest one of this buffer, else of this Emacs, else of the daemon."
  (or sluice-failed-call sluice--newest-failure "last-failed"))

(defun sluice-explain--last-question ()
  "Return the question about the failure that is meant here."
  (if (and sluice-explain--told (eq sluice-failed-call (cdr sluice-explain--told)))
      (car sluice-explain--told)
    (list :call (sluice-explain--last-call) :language sluice-language)))

;;;###autoload
(defun sluice-explain-last ()
  "Explain why the last call failed.
Take the newest failure of this buffer, else of this Emacs, else of the daemon.
When the daemon does not run, its program reads its journal."
  (interactive)
  (sluice-explain--show (sluice-explain--last-question)))

;;;###autoload
(defun sluice-explain-region (begin end)
  "Explain the error text between BEGIN and END.
It may be a message of any program, a Python exception or what curl -i printed.
When the daemon does not run, its program is asked without starting it."
  (interactive (if (use-region-p)
                   (list (region-beginning) (region-end))
                 (user-error "%s" (sluice-gettext "Select the error text first"))))
  (sluice-explain--show (list :text (buffer-substring-no-properties begin end)
                              :language sluice-language)))

;;;###autoload
(defun sluice-copy-curl ()
  "Copy the curl command of the newest call of this buffer, else of the daemon.
On a page of `sluice-explain-last' it is the call that the page is about.
The key is not in the command; it is read from the environment."
  (interactive)
  (let* ((call (or (plist-get sluice-explain--answer :call)
                   (and (plist-get sluice-explain--answer :own)
                        (plist-get sluice-explain--question :call))
                   (and sluice-explain--question
                        (user-error "%s" (sluice-gettext
                                          "This page is about a text, not about a call")))
                   sluice-call "last")))
    (sluice-copy-curl-of call)))

(defun sluice-copy-curl-of (call)
  "Copy the curl command of CALL, an id."
  (when (sluice-explain-own call)
    (user-error "%s" (sluice-gettext "The daemon has kept nothing of this call, so there is no \
command to copy.  Send it again, then copy that")))
  (let* ((answer (condition-case err
                     (sluice-ask "curl" (list :call call))
                   (user-error (user-error "%s" (sluice-explain--no-curl call (cadr err))))))
         (note (plist-get answer :note)))
    (kill-new (plist-get answer :command))
    (message "%s" (if (or (null note) (string-empty-p note))
                      (sluice-gettext "Copied the curl command")
                    (sluice-gettext "Copied the curl command.  %s" note)))))

(defun sluice-explain-body-kept-p (row)
  "Return non-nil if what was sent with the call of ROW was kept, or may be."
  (let ((request (plist-get row :request)))
    (not (and (eql 0 (plist-get request :kept))
              (> (or (plist-get request :bytes) 0) 0)))))

(defun sluice-explain--no-curl (call problem)
  "Return why there is no curl command of CALL; PROBLEM is what the daemon said."
  (let ((row (and (sluice-rpc-live-p sluice--connection)
                  (ignore-errors (sluice-ask "show" (list :call call))))))
    (if (sluice-explain-body-kept-p row)
        problem
      (sluice-gettext "What was sent with this call was not kept, so there is no command to copy.  \
Set journal.bodies to \"all\" in config.yaml, then send it again"))))

;;;; The answer

(defun sluice-explain--ask (question)
  "Return the daemon's answer to QUESTION, parameters of the operation explain.
Without a daemon, or if it goes away just now, return nil.  What Emacs itself
knows better is not asked."
  (or (sluice-explain-own (plist-get question :call))
      (when-let* ((conn (sluice-connection)))
        (condition-case err
            (sluice-rpc-call conn "explain" question sluice-timeout)
          (sluice-rpc-died nil)
          (sluice-rpc-timeout (user-error "%s" (sluice-silent-text)))
          (sluice-rpc-error (user-error "%s" (cadr err)))))))

(defun sluice-explain--show (question)
  "Show the answer to QUESTION in its buffer."
  (let ((answer (sluice-explain--ask question))
        (buffer (get-buffer-create "*Sluice explain*")))
    (with-current-buffer buffer
      (sluice-explain--turn-to question answer))
    ;; Selected, since its keys are what one wants next; as high as the text, where it may be.
    (pop-to-buffer buffer '(nil (window-height . fit-window-to-buffer)))
    buffer))

(defun sluice-explain--turn-to (question answer)
  "Make this the page of QUESTION with ANSWER.
When that is nil, the daemon's program is asked; Emacs goes on meanwhile."
  (unless (derived-mode-p 'sluice-explain-mode) (sluice-explain-mode))
  (unless (eq question sluice-explain--question) (setq sluice-explain--raw nil))
  (setq sluice-explain--question question
        sluice-explain--answer answer)
  (if answer
      (sluice-explain--draw)
    (sluice-explain--say (sluice-gettext "Sluice is not running, so its program is asked..."))
    (sluice-program-explain
     question
     (apply-partially #'sluice-explain--arrived (current-buffer) question #'sluice-explain--draw)
     (let ((page (current-buffer)))
       (lambda (text)
         (sluice-explain--arrived page question (lambda () (sluice-explain--say text)) nil))))))

(defun sluice-explain--arrived (page question draw answer)
  "Note the ANSWER to QUESTION, and DRAW it, if that is still what PAGE is about."
  (when (and (buffer-live-p page)
             (eq question (buffer-local-value 'sluice-explain--question page)))
    (with-current-buffer page
      (setq sluice-explain--answer answer)
      (funcall draw))
    (sluice-explain--fit page)))

(defun sluice-explain--say (text)
  "Show TEXT alone on this page."
  (let ((inhibit-read-only t))
    (erase-buffer)
    (sluice-explain--fill text "" "")
    (set-buffer-modified-p nil)
    (goto-char (point-min))))

(defun sluice-explain--fit (page)
  "Make the window of PAGE as high as its text, if it was made for it."
  (when-let* ((window (get-buffer-window page)))
    (when (eq 'window (car-safe (window-parameter window 'quit-restore)))
      (fit-window-to-buffer window))))

;;;; The page

(defvar sluice-explain-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map (make-composed-keymap button-buffer-map special-mode-map))
    (define-key map "w" #'sluice-copy-curl)
    (define-key map "o" #'sluice-explain-open)
    (define-key map "i" #'sluice-explain-toggle-raw)
    (dotimes (n 9)
      (define-key map (number-to-string (1+ n)) #'sluice-explain-open))
    map)
  "Keys on a page that explains a failure.")

(define-derived-mode sluice-explain-mode special-mode "Sluice explain"
  "Why a call to a language model failed, and what you can do."
  (setq-local revert-buffer-function #'sluice-explain--revert)
  (setq-local header-line-format '(:eval (sluice-explain--header)))
  (setq-local word-wrap t))

(defun sluice-explain--revert (&rest _)
  "Ask again and draw the page anew."
  (sluice-explain--turn-to sluice-explain--question
                           (sluice-explain--ask sluice-explain--question)))

(defun sluice-explain--header ()
  "Return the header line: when and where it happened, and when it clears."
  (let* ((it (plist-get sluice-explain--answer :explanation))
         (sluice-language (or (plist-get it :language) sluice-language))
         (at (plist-get sluice-explain--answer :at))
         (clears (sluice-explain--clears-text (sluice-explain--reset-at) (float-time))))
    ;; In a format a percent sign is a directive.
    (string-replace
     "%" "%%"
     (string-join
      (delq nil (list (and at (format-time-string "%F %T" at))
                      (and (plist-get it :status) (format "%s" (plist-get it :status)))
                      (plist-get it :provider)
                      (or (plist-get sluice-explain--answer :model) (plist-get it :model))
                      (plist-get sluice-explain--answer :call) clears
                      (sluice-explain--doubt it)))
      " · "))))

(defun sluice-explain--reset-at ()
  "Return when it clears what this page is about, as a Unix time, or nil.
Where only a wait is told, it began when the call ended."
  (let* ((answer sluice-explain--answer) (it (plist-get answer :explanation)))
    (or (plist-get it :reset_at)
        (and (plist-get it :retry_after_s) (plist-get answer :at)
             (+ (plist-get answer :at) (plist-get it :retry_after_s))))))

(defun sluice-explain--over ()
  "Return in words that the time named on this page has passed, or nil."
  (let ((reset-at (sluice-explain--reset-at)))
    (and reset-at (<= reset-at (float-time))
         (sluice-gettext "This is how it was told at that time.  The wait is over: it was until %s."
                         (format-time-string "%F %T" reset-at)))))

(defun sluice-explain--doubt (it)
  "Return in words that the explanation IT rests on a text alone, or nil."
  (and it (plist-get sluice-explain--question :text)
       (sluice-gettext "likely: only the text is known")))

(defun sluice-explain--clears-text (reset-at now)
  "Return in words when it clears; RESET-AT and NOW are Unix times in seconds."
  (when reset-at
    (let ((left (ceiling (- reset-at now))))
      (cond ((<= left 0) (sluice-gettext "clear now"))
            ((< left 3600) (sluice-gettext "clears in %d:%02d" (/ left 60) (% left 60)))
            (t (sluice-gettext "clears on %s at %s" (format-time-string "%F" reset-at)
                               (format-time-string "%H:%M" reset-at)))))))

(defun sluice-explain--draw ()
  "Draw the page from `sluice-explain--answer', in the language that it is in."
  (let* ((inhibit-read-only t)
         (it (plist-get sluice-explain--answer :explanation))
         (sluice-language (or (plist-get it :language) sluice-language)))
    (erase-buffer)
    (if it
        (insert (propertize (or (plist-get it :title) (plist-get it :line) "")
                            'face 'sluice-explain-title)
                "\n")
      (sluice-explain--fill (or (plist-get sluice-explain--answer :text) "") "" ""))
    (insert "\n")
    (sluice-explain--parts it)
    (set-buffer-modified-p nil)
    (goto-char (point-min))
    (sluice-explain--start-clock (sluice-explain--reset-at))))

(defun sluice-explain--parts (it)
  "Insert the parts of the explanation IT, each under its label."
  (sluice-explain--part (sluice-gettext "What happened") (plist-get it :what))
  (sluice-explain--part (sluice-gettext "Why") (plist-get it :why))
  (sluice-explain--part (sluice-gettext "What happens now")
                        (let ((over (sluice-explain--over)))
                          (if over (concat (plist-get it :now) "\n" over) (plist-get it :now))))
  (sluice-explain--actions (sluice-gettext "What you can do") (plist-get it :actions))
  (sluice-explain--part (sluice-gettext "What it is not") (plist-get it :not_this))
  (sluice-explain--buttons it)
  (sluice-explain--part (sluice-gettext "How I know") (plist-get it :evidence))
  (when sluice-explain--raw
    (let ((begin (point)))
      (sluice-explain--part (sluice-gettext "The provider's words") (plist-get it :original))
      (put-text-property begin (point) 'sluice-explain-raw t))))

(defun sluice-explain--part (label text)
  "Insert TEXT under LABEL, unless it is empty."
  (unless (or (null text) (string-empty-p text))
    (insert (propertize label 'face 'sluice-explain-label) "\n")
    (sluice-explain--fill text "  " "  ")
    (insert "\n")))

(defun sluice-explain--fill (text first rest)
  "Insert TEXT filled; its lines begin with FIRST, then with REST."
  (let ((begin (point)) (fill-column (min 76 (sluice-page-width))) (fill-prefix rest))
    (insert first text "\n")
    (fill-region begin (point))))

(defun sluice-explain--actions (label actions)
  "Insert ACTIONS, a list of plists, as a numbered list under LABEL."
  (when actions
    (insert (propertize label 'face 'sluice-explain-label) "\n")
    (cl-loop for action in actions
             for n from 1
             for url = (plist-get action :url)
             do (sluice-explain--fill (plist-get action :text) (format "  %d. " n) "     ")
             when url do
             (insert "     ")
             (sluice-explain--button (if (< n 10) (number-to-string n) "RET") url
                                     (lambda () (browse-url url)))
             (insert "\n"))
    (insert "\n")))

(defun sluice-explain--button (key text action)
  "Insert a button with TEXT for ACTION, and show the KEY that does the same."
  (insert-text-button (format "[%s] %s" key text)
                      'action (lambda (_) (funcall action))
                      'follow-link t
                      'help-echo text))

(defun sluice-explain--buttons (it)
  "Insert the row of buttons for the explanation IT."
  (let ((row (delq nil
                   (list (and (plist-get sluice-explain--answer :call)
                              (list "w" (sluice-gettext "Copy curl") #'sluice-copy-curl))
                         (and (sluice-explain--links it)
                              (list "o" (sluice-gettext "Open the page") #'sluice-explain-open))
                         (and (not (member (plist-get it :original) '(nil "")))
                              (list "i" (if sluice-explain--raw (sluice-gettext "Hide the words")
                                          (sluice-gettext "Provider's words"))
                                    #'sluice-explain-toggle-raw))
                         (list "g" (sluice-gettext "Refresh") #'revert-buffer)
                         (list "q" (sluice-gettext "Quit") #'quit-window)))))
    (pcase-dolist (`(,key ,text ,command) row)
      (sluice-explain--button key text (lambda () (call-interactively command)))
      (insert "  "))                    ; the row just fits in 80 columns
    (delete-char -2)
    (insert "\n\n")))

(defun sluice-explain--links (it)
  "Return the links of the explanation IT as (NUMBER . URL), in order."
  (cl-loop for action in (plist-get it :actions)
           for n from 1
           when (plist-get action :url) collect (cons n (plist-get action :url))))

(defun sluice-explain-open (number)
  "Open the page of action NUMBER in a browser.
A digit key means the action of that number, another key the first one that
has a page."
  (interactive
   (list (let ((key last-command-event))
           (and (characterp key) (<= ?1 key ?9) (- key ?0)))))
  (let* ((links (sluice-explain--links (plist-get sluice-explain--answer :explanation)))
         (url (if number (alist-get number links) (cdar links))))
    (if url
        (browse-url url)
      (user-error "%s" (if number (sluice-gettext "Number %d has no page to open" number)
                         (sluice-gettext "There is no page to open"))))))

(defun sluice-explain-toggle-raw ()
  "Show the provider's own words, and go there; or hide them again."
  (interactive)
  (setq sluice-explain--raw (not sluice-explain--raw))
  (sluice-explain--draw)
  (let ((buffer (current-buffer)))
    (sluice-explain--fit buffer)
    (goto-char (if sluice-explain--raw (sluice-explain--raw-place) (sluice-explain--raw-button)))
    (dolist (window (get-buffer-window-list buffer nil t))
      (set-window-point window (point))
      ;; What is asked for shall be seen, however long the page is.
      (when (and sluice-explain--raw (not (pos-visible-in-window-p (point-max) window)))
        (set-window-start window (point))))))

(defun sluice-explain--raw-place ()
  "Return where the provider's own words begin on this page, with their label."
  (or (text-property-any (point-min) (point-max) 'sluice-explain-raw t) (point-min)))

(defun sluice-explain--raw-button ()
  "Return where the button for the provider's own words is."
  (save-excursion
    (goto-char (point-min))
    (if (search-forward "[i]" nil t) (match-beginning 0) (point-min))))

;;;; The countdown in the header line

(defun sluice-explain--start-clock (reset-at)
  "Have the header line count down until RESET-AT, a Unix time or nil."
  (when (and reset-at (> reset-at (float-time)) (not sluice-explain--clock))
    (setq sluice-explain--clock (run-at-time 1 1 #'sluice-explain--tick))))

(defun sluice-explain--tick ()
  "Show the time left; stop the clock when the page is hidden or all is clear.
When all is clear the page says so from then on."
  (let* ((buffer (get-buffer "*Sluice explain*"))
         (shown (and buffer (get-buffer-window buffer t)))
         (reset-at (and shown (with-current-buffer buffer (sluice-explain--reset-at))))
         (clear (and reset-at (<= reset-at (float-time)))))
    (when buffer
      (with-current-buffer buffer (force-mode-line-update)))
    (when (or (not reset-at) clear)
      (cancel-timer sluice-explain--clock)
      (setq sluice-explain--clock nil))
    (when clear
      (with-current-buffer buffer (sluice-explain--draw-in-place)))))

(defun sluice-explain--draw-in-place ()
  "Draw the page anew; the windows that show it stay where they are."
  (let ((point (point))
        (windows (mapcar (lambda (window)
                           (list window (window-start window) (window-point window)))
                         (get-buffer-window-list nil nil t))))
    (sluice-explain--draw)
    (goto-char (min point (point-max)))
    (pcase-dolist (`(,window ,start ,place) windows)
      (set-window-start window (min start (point-max)) t)
      (set-window-point window (min place (point-max))))))

(defun sluice-explain-unload-function ()
  "Have `unload-feature' leave nothing behind."
  (when sluice-explain--clock (cancel-timer sluice-explain--clock))
  nil)

(provide 'sluice-explain)
;;; sluice-explain.el ends here
